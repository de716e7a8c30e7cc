var _rmData = _rmData || [];
//Identify using email address
_rmData.push(['setCustomer', '<CUSTOMER_EMAIL>']);
//Identify using customer id
_rmData.push(['setCustomerId', '<CUSTOMER_ID>']);
//Identify the customer and update the accepts_marketing and first_name properties
_rmData.push(['setCustomer', {
"email": "john.snow@thewall.org",
"first_name": "John",
"accepts_marketing": true
}]);
