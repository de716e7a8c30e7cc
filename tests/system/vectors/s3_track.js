var _rmData = _rmData || [];
//Sending an eCommerce event for updating the customer data
var eventType = 'customers/update';
var data = {
"email": "john.snow@thewall.org",
"first_name": "John",
"last_name": "Snow",
"accepts_marketing": true
};
_rmData.push(['track', eventType, data]);
//Sending a custom event based on visitor's action on the website
var eventType = 'site-search';
var data = {
"searchKeyword": "Red shorts",
"result_1_title": "Swim Short",
"result_1_image": "http://www.example.com/swim_shorts.png"
};
_rmData.push(['track', eventType, data]);
