// Send a site-search event
var _rmData = _rmData || [];
//Identify using email address
var customerEmail = "<Your customer email here>";
_rmData.push(['setCustomerEmail', customerEmail]);
var eventType = 'site-search';
var data = {
"searchKeyword": "Red shorts",
"result_1_title": "Swim Short",
"result_1_image": "http://www.example.com/swim_shorts.png"
};
_rmData.push(['track', eventType, data]);
// On a different page - send a room booking event
var _rmData = _rmData || [];
var customerEmail = "<Your customer email here>";
_rmData.push(['setCustomerEmail', customerEmail]);
var eventType = 'room-booked';
var data = {
"lodging": {
"name": "Kempinski Seychelles Resort",
"stars": 5,
"type": "resort",
"image": "https://r-ec.bstatic.com/images/hotel/max1024x768/169/16951276.jpg"
},
"guest": {
"reservation_name": "John and Jane Doe"
}
};
_rmData.push(['track', eventType, data]);
